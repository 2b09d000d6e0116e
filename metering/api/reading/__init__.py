"""What clients send: parameters, filters and bodies become questions and drafts."""
