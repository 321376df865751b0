"""Publishing on the Hugging Face Hub: one commit and one tag a release, and everything needed to read it back.

Import what is needed from its module: ``publish`` (the command), ``protocol`` (the state machine), ``staging`` and
``proof`` (what is sent, and that it loads), ``pull`` (reading back), ``versions``, ``access`` and ``client``.
"""
