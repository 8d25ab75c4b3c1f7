// SPDX-License-Identifier: GPL-3.0-or-later
// sd-bus(3). Of its calls only those without a variable list of arguments are used: they need no wrapper.
#pragma once
#include <systemd/sd-bus.h>
