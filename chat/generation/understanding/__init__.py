"""What a message asks: its language, small talk, its parts, and a follow-up as a whole question.

Plain values in, plain values out; nothing here searches, stores or asks a model.
"""
