"""Training: from an export to a fine-tuned model that is measured against its base.

`plan` tells what a run would take, `launch` runs it in a process of its own (`worker`), `card`
tells what was done. TRL trains, PEFT adapts, transformers loads; this package feeds and watches.
"""
