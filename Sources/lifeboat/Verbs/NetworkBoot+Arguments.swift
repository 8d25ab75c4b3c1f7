// SPDX-License-Identifier: GPL-3.0-or-later
public import ArgumentParser
public import NetworkBoot

extension BootService.Mode: ExpressibleByArgument {}
extension BootService.Shadow: ExpressibleByArgument {}
