"""A small Azure Functions host, for machines where Core Tools can't be had.

It runs the very `function_app.py` that Azure runs, with HTTP, queue and timer triggers and queue
outputs. What it does like the real host, and what not, is told in docs/adr/0001.
"""
