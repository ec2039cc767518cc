"""What holds when processes die, disks fill and networks break."""
