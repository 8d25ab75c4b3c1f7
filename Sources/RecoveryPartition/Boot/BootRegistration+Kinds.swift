// SPDX-License-Identifier: GPL-3.0-or-later

extension ImageBoot {
  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] { usesRecord ? [.bootRecord] : [] }
}

extension FirmwareBoot {
  /// No UEFI entry can name a partition of an MBR for certain.
  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] {
    partition.table == .gpt ? [.firmware] : []
  }
}

extension InstalledGRUB {
  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] { [.grub] }
}

extension BootRecordBoot {
  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] { [.bootRecord] }
}

extension SystemdBoot {
  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] {
    guard let esp = systemPartition, obstacle(esp, partition) == nil else { return [] }
    return [.systemdBoot]
  }
}
