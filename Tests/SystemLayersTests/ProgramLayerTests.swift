// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import Testing

@testable import SystemLayers

/// Which programs can go into an image.
struct ProgramLayerTests {
  @Test func aProgramThatCarriesItsRuntime() {
    let maps = "7f0000-7f1000 r--p 0 00:00 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
    #expect(OwnProgram.obstacle(mapped: maps) == nil)
  }

  @Test func oneThatDoesNot() throws {
    let maps = "7f0000-7f1000 r--p 0 00:00 1 /opt/swift/usr/lib/swift/linux/libswiftCore.so\n"
    #expect(OwnProgram.obstacle(mapped: maps)?.contains("libraries of Swift") == true)
    // Tests are such a program.
    #expect { try OwnProgram.running() } throws: { error in
      (error as? SystemLayersFailure)?.code == "program-unusable"
        && (error as? SystemLayersFailure)?.remedy?.contains("make build") == true
    }
  }

  @Test func symbolsStayOutside() {
    let strip = SystemBuilder.strip("/usr/bin/lifeboat", to: "/work/usr/bin/lifeboat")
    #expect(strip.program == "strip" && strip.package == "binutils")
    #expect(strip.arguments == ["--strip-all", "-o", "/work/usr/bin/lifeboat", "/usr/bin/lifeboat"])
  }
}
