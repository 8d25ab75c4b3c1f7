// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Testing

extension DriveLab {
  /// Drives that are in use, or no sticks: refused, whatever they are called by, and nothing is written to them.
  struct RefusalTests {
    private static let volume = LabDrive(id: "volume", serial: "LVM-0001")
    private static let swap = LabDrive(id: "swap", serial: "SWAP-0001")
    private static let mounted = LabDrive(id: "mounted", serial: "MOUNTED-0001")
    private static let secret = LabDrive(id: "secret", serial: "LUKS-0001")
    private static let holder = LabDrive(id: "holder", serial: "HOLDER-0001", size: .mebibytes(96))
    private static let free = LabDrive(id: "free", serial: "FREE-0001")
    private static let sticks = [volume, swap, mounted, secret, holder]

    @Test func whatIsInUseIsRefused() async throws {
      try await LabImage.with { image in
        try await LabMachine.with(
          Self.sticks + [Self.free], targets: Set(Self.sticks.map(\.id)), files: ["image": image]
        ) { lab in
          try await use(lab)
          let before = try Self.sticks.map { try lab.digest(of: $0) }
          for (drive, code) in zip(Self.sticks, ["in-use", "swap", "mounted", "in-use", "mounted"]) {
            for name in [drive.serial, try await lab.path(of: drive)] { try await refuses(name, code, lab) }
          }
          try await refuses(Self.holder.serial, "holds-image", lab, image: "/lab/holder/image")
          for name in ["NVME-SYSTEM-1", "/dev/nvme0n1", "SATA-DATA-1"] { try await refuses(name, "built-in", lab) }
          try await refuses("/dev/sr0", "system-disk", lab)
          try await refuses("/dev/mapper/lab-volume", "made-by-software", lab)
          // Named together with one that may be written, neither is.
          try await refuses("\(Self.free.serial) \(Self.mounted.serial)", "mounted", lab)
          #expect(try Self.sticks.map { try lab.digest(of: $0) } == before)
          try await lab.require("vgchange -an lab")
          try await refuses(Self.volume.serial, "member", lab)
          #expect(try lab.digest(of: Self.volume) == before[0])
        }
      }
    }

    private func use(_ lab: LabMachine) async throws {
      let paths = try await lab.paths(of: Self.sticks)
      try await lab.require(
        """
        set -e
        wipefs -qa \(paths.joined(separator: " "))
        pvcreate -qq \(paths[0]) && vgcreate -qq lab \(paths[0]) && lvcreate -qq -n volume -L 8M lab
        mkswap -q \(paths[1]) && swapon \(paths[1])
        echo ',,L' | sfdisk -q \(paths[2]) && udevadm settle
        mkfs.ext4 -q \(paths[2])1 && mkdir /lab/mounted && mount -o ro \(paths[2])1 /lab/mounted
        echo secret >/lab/key
        cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /lab/key \(paths[3])
        cryptsetup open --key-file /lab/key \(paths[3]) secret
        mkfs.ext4 -q \(paths[4]) && mkdir /lab/holder && mount \(paths[4]) /lab/holder
        cp /lab/image /lab/holder/image && umount /lab/holder && mount -o ro \(paths[4]) /lab/holder
        sync && udevadm settle
        """)
    }

    private func refuses(_ name: String, _ code: String, _ lab: LabMachine, image: String = "/lab/image") async throws {
      let outcome = try await lab.lifeboat("write \(image) \(name) --yes --json")
      #expect(outcome.status == 15, "\(name): \(outcome)")
      #expect(try outcome.errorCode() == code, "\(name): \(outcome)")
    }
  }
}

extension LabMachine {
  fileprivate func paths(of drives: [LabDrive]) async throws -> [String] {
    var paths: [String] = []
    for drive in drives { paths.append(try await path(of: drive)) }
    return paths
  }
}
