"""Fictitious facial-identity datasets for machine unlearning in vision-language models."""
