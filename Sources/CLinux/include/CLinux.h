// SPDX-License-Identifier: GPL-3.0-or-later
// What Swift cannot say: constants behind _GNU_SOURCE and libisofs streams. Calls return a value or -errno.
#pragma once
#include "constants.h"
#include "space.h"
#include "stream.h"
