"""Share-GRPO on EasyR1: responses are read under every variant's prompt, with hierarchical advantages."""

# EasyR1 as this package was written against: `verl.__version__` at commit b44b311.
EASYR1_VERSION = "0.3.3.dev0"
# The released R1-ShareVL code, commit da7388e.
RELEASED_VERSION = "0.2.0.dev"
