"""Flow networks that others published under licences that do not allow shipping them.

The user downloads a checkpoint and imports it once (`vst weights import`); afterwards it is a safetensors
file in the user's data folder. `published.py` lists what can be imported and where it is published,
`published_checkpoint.py` reads such files safely, `flow_weights.py` identifies, stores and loads them. The
networks themselves are in `vst.motion.estimators`.
"""
