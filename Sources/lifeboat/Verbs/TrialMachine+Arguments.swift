// SPDX-License-Identifier: GPL-3.0-or-later
public import ArgumentParser
public import TrialMachine

extension TrialMachine.Firmware: ExpressibleByArgument {}
extension TrialMachine.Attachment: ExpressibleByArgument {}
