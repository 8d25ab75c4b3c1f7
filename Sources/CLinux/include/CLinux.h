// SPDX-License-Identifier: GPL-3.0-or-later
// What Swift cannot say: constants behind _GNU_SOURCE, ioctls and libisofs streams. Calls return a value or -errno.
#pragma once
#include "block.h"
#include "constants.h"
#include "memory.h"
#include "peer.h"
#include "pipe.h"
#include "rename.h"
#include "socket.h"
#include "space.h"
#include "stream.h"
