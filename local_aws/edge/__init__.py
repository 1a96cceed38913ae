"""CloudFront's data plane: a viewer's request, the function at the edge, and the Region's API behind the origin's name."""
