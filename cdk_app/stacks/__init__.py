"""The stacks, one module each. Whatever imports one of them passes here first, so this is where Node is chosen:
jsii starts it when aws_cdk is imported."""

from cdk_app.runtime import use_bundled_node

use_bundled_node()
