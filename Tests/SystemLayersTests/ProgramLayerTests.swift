// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import Testing

@testable import SystemLayers

/// Which programs can go into an image.
struct ProgramLayerTests {
  private static let header: [UInt8] =
    [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9) + [3, 0, 62, 0]

  @Test func aProgramThatCarriesItsRuntime() {
    let maps = "7f0000-7f1000 r--p 0 00:00 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
    #expect(OwnProgram.obstacle(header: Self.header, mapped: maps) == nil)
  }

  @Test func oneThatDoesNot() throws {
    let maps = "7f0000-7f1000 r--p 0 00:00 1 /opt/swift/usr/lib/swift/linux/libswiftCore.so\n"
    #expect(OwnProgram.obstacle(header: Self.header, mapped: maps)?.contains("libraries of Swift") == true)
    // Tests are such a program.
    #expect { try OwnProgram.running() } throws: { error in
      (error as? SystemLayersFailure)?.code == "program-unusable"
        && (error as? SystemLayersFailure)?.remedy?.contains("make build") == true
    }
  }

  @Test func oneForAnotherMachine() {
    var header = Self.header
    header[18] = 183
    #expect(OwnProgram.obstacle(header: header, mapped: "")?.contains("x64") == true)
    #expect(OwnProgram.obstacle(header: [], mapped: "")?.contains("x64") == true)
  }

  @Test func symbolsStayOutside() {
    let strip = SystemBuilder.strip("/usr/bin/lifeboat", to: "/work/usr/bin/lifeboat")
    #expect(strip.program == "strip" && strip.package == "binutils")
    #expect(strip.arguments == ["--strip-all", "-o", "/work/usr/bin/lifeboat", "/usr/bin/lifeboat"])
  }
}
