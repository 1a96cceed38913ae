"""Desired topology → CloudFormation templates. Only `cdk_app.stacks` and what imports it needs aws_cdk."""
