"""The companion: fine-tune, unlearn and evaluate vision-language models on a built or published dataset.

It reads the dataset's files and knows nothing of how they were made. ``torch`` and its kind (the extra ``unlearning``)
are imported inside the functions that need them.
"""
