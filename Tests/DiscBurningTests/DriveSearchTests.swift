// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import DiscBurning

/// Drives as the kernel would list them, in folders that stand for sysfs and /dev.
@Suite struct DriveSearchTests {
  let folder: TemporaryFolder
  var search = DriveSearch()

  init() throws {
    folder = try TemporaryFolder()
    for name in ["sys", "dev"] { try FileTree.makeFolder(folder.appending(name)) }
    search.blockDevices = folder.appending("sys")
    search.devices = folder.appending("dev")
    search.mounts = folder.appending("mounts")
  }

  private func add(_ name: String, model: String = "DRW-24D5MT") throws {
    try folder.write("sys/\(name)/device/vendor", "ASUS    \n")
    try folder.write("sys/\(name)/device/model", model + "\n")
    try folder.write("dev/\(name)", "")
  }

  @Test func noDriveIsNoError() async throws {
    #expect(search.addresses().isEmpty)
    #expect(try await DiscBurner.drives(search).isEmpty)
  }

  @Test func drivesComeInOrderAndDisksDoNot() throws {
    for name in ["sr10", "sr2", "sda", "sr", "srx", "loop0"] { try add(name) }
    #expect(search.addresses() == ["sr2", "sr10"].map { folder.appending("dev/\($0)").string })
  }

  @Test func aLinkLeadsToItsDrive() throws {
    for name in ["sr0", "sda"] { try add(name) }
    let dev = try #require(realpath(folder.appending("dev").string, nil).map { String(cString: $0) })
    var search = search
    search.devices = FilePath(dev)
    try FileTree.makeLink(folder.appending("cdrom"), to: "dev/sr0")
    #expect(try search.resolve(folder.appending("cdrom").string) == dev + "/sr0")
    #expect(try search.resolve(folder.appending("dev/sr0").string) == dev + "/sr0")
    for wrong in ["dev/sda", "dev", "absent"] {
      #expect(throws: DiscBurner.Failure.self) { try search.resolve(folder.appending(wrong).string) }
    }
  }

  @Test func onlyFilesStandInForADrive() throws {
    let file = try folder.write("file", "x")
    #expect(try search.resolve("stdio:\(file)") == "stdio:\(file)")
    #expect(try search.resolve("stdio:\(folder.appending("new"))") == "stdio:\(folder.appending("new"))")
    for wrong in ["stdio:", "stdio:/", "stdio:\(folder.path)", "stdio:/dev/null", "stdio:\(folder.path)/absent/new"] {
      #expect(throws: DiscBurner.Failure.self, "\(wrong)") { try search.resolve(wrong) }
    }
  }

  @Test func mountsAreFound() throws {
    try folder.write("mounts", "proc /proc proc rw 0 0\n/dev/sr0 /media/My\\040disc iso9660 ro 0 0\n")
    #expect(search.mountPoint(of: "/dev/sr0") == "/media/My disc")
    #expect(search.mountPoint(of: "/dev/sr1") == nil)
  }

  @Test func aDriveThatCannotBeOpenedIsDescribedBySysfs() throws {
    try add("sr0")
    let address = folder.appending("dev/sr0").string
    let drive = search.describe(address, .noPermission)
    #expect(drive.name == "ASUS DRW-24D5MT" && drive.obstacle == .noPermission)
    guard case .silent = search.obstacle(folder.appending("dev/sr9").string) else {
      Issue.record("a drive that is not there has an obstacle")
      return
    }
  }

  @Test(.enabled(if: geteuid() != 0, "root may open everything"))
  func permissionIsAnObstacle() throws {
    try add("sr0")
    try FileTree.setPermissions(folder.appending("dev/sr0"), 0)
    #expect(search.obstacle(folder.appending("dev/sr0").string) == .noPermission)
  }
}
