"""Publishing on the Hugging Face Hub: one commit and one tag a release, and everything needed to read it back."""
