"""Phrasings and paraphrases by a language model, which may supply words, never facts."""
