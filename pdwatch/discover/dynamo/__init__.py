"""Workers that register with NVIDIA Dynamo's discovery, in files or in etcd."""
