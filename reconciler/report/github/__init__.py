"""What people see on GitHub: the comment of a pull request, job summaries, annotations, issues. Text out of values, nothing else.

Everything in it may have been written by a stranger: Markdown, HTML and workflow commands in values are shown, never obeyed.
"""
