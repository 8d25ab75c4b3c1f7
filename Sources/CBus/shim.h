// SPDX-License-Identifier: GPL-3.0-or-later
// sd-bus(3), and sd_listen_fds(3). Of the calls only those without a variable list of arguments are used: they need no
// wrapper.
#pragma once
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
