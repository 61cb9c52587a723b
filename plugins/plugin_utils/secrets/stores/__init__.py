# Copyright (c) 2026 GreenLang. All rights reserved.
"""Where Secrets are kept: one file a store; store.py says what they have in common."""
