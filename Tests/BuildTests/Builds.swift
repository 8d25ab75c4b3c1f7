// SPDX-License-Identifier: GPL-3.0-or-later
import Testing

/// Real builds from Debian's packages: one at a time, since one fills a computer.
@Suite(.serialized, .needsPackages) enum Builds {}
