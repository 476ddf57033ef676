"""What comes before a job's training, whichever stack it runs on: the stack's version, and its settings."""

import sys
from typing import Tuple


def require_version(wanted, name):
    """Ends the job where the cluster has another version than this package was written for."""
    import verl

    found = getattr(verl, "__version__", "unknown")
    if found != wanted:
        sys.exit(f"sharegrpo_easyr1: the cluster has verl {found}; this was written for {name} (verl {wanted})")


def read_settings():
    """run.yaml over the stack's own defaults, as its `main` merges them; further key=value of the command line last."""
    import omegaconf
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from verl.trainer.config import PPOConfig, TrainerConfig

    # Both stacks write Tuple[str] for a tuple of two names, which OmegaConf 2.4.0 refuses and 2.3.0 takes.
    TrainerConfig.__annotations__["logger"] = Tuple[str, ...]
    given = OmegaConf.from_cli()
    try:
        merged = OmegaConf.merge(OmegaConf.structured(PPOConfig()), OmegaConf.load(given.pop("config")), given)
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        sys.exit(
            f"sharegrpo_easyr1: OmegaConf {omegaconf.__version__} does not take run.yaml with this stack's settings: "
            f"{error}; if the setting is one of engine.overrides, correct it, else install omegaconf==2.3.0 on the cluster"
        )
    config.deep_post_init()
    return config
