"""The language-model path: a model may supply words, never facts.

``wordings`` rewords every identity's questions (``build --qa llm``), ``candidates`` grows a pack's phrasings for a
person to review; ``checks`` and ``values`` are the gate for both, ``judge`` asks a second model about a sample.
"""
