"""What CloudFormation's registry says about resource types, and templates held to it."""
