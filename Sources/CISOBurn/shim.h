// SPDX-License-Identifier: GPL-3.0-or-later
// libisofs.h needs the integer types first; libburn.h completes its `struct burn_source`.
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include <libburn/libburn.h>
#include <libisofs/libisofs.h>
#include <libisoburn/libisoburn.h>
