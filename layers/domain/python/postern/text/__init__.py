"""A message as a reader sees it: subject, paragraphs, links, what its HTML does.

One pass, bounded in characters, links and time; nothing raises.
"""
