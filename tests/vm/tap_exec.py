#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""tap_exec.py DEVICE COMMAND...: makes a tap device in this namespace, brings it up, and becomes COMMAND, in which
`{DEVICE}` is the number of its open file. The device is gone when that process ends. No offloads: honest frames."""
import fcntl
import os
import struct
import subprocess
import sys

TUNSETIFF, IFF_TAP_NO_PI = 0x400454CA, 0x1002


def main(device, command):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TAP_NO_PI))
    subprocess.run(["ip", "link", "set", device, "txqueuelen", "4000", "up"], check=True)
    os.set_inheritable(fd, True)
    command = [word.replace("{" + device + "}", str(fd)) for word in command]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
