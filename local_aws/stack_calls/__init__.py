"""The calls of CloudFormation that act on stacks, in front of what carries them out.

`calls` stands around all of them (limits, tokens, operations, roles); `direct` says when a stack takes CreateStack, UpdateStack and
DeleteStack; `policy` is the stack policy, `history` the operations that DescribeEvents tells of.
"""
