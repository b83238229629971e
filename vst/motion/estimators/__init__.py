"""The optical flow estimators.

One file (`dis.py`, `raft.py`) or package (`flownet2/`, `pwcnet/`, `refined/`) per estimator or family, each
with a subclass of `vst.motion.estimator.Estimator` and an entry in `vst.motion.registry`.
`network_estimator.py` is the base class of estimators that run a network; `flow_tiles.py`, `flow_layers.py`
and `inference.py` are what networks share.
"""
