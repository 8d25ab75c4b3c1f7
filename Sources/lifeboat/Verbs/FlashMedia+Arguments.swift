// SPDX-License-Identifier: GPL-3.0-or-later
public import ArgumentParser
public import FlashMedia

extension FlashSession.Probe: ExpressibleByArgument {}
extension FlashReset.FileSystem: ExpressibleByArgument {}
extension DataPartition.FileSystem: ExpressibleByArgument {}
