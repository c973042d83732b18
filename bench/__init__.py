"""What we measure ourselves by; each part runs as `python -m bench.<name>`.

Every figure is a ratio of two things measured in the same run on the same machine.
"""
