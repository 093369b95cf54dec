"""What a device did, by its own records: read, put on one clock with the nodes, summed.

Door: attribution, cupti, device_sums, kernel_names, nvml, recording, recording_file.
"""
