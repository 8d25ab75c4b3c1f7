// SPDX-License-Identifier: GPL-3.0-or-later
import TestSupport
import Testing

/// The drive lab: what the real program does with real drivers of a real kernel. Its suites are extensions of this
/// one, so that never more than one machine runs.
@Suite(.serialized, .enabled(if: Repository.standalone != nil, "set LIFEBOAT_LAB_PROGRAM (make lab-test)"))
enum DriveLab {}
