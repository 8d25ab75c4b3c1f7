// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import Testing

@testable import lifeboat

@Suite struct ErrorReportTests {
  struct Unknown: Error {}

  @Test func putsTheRemedyOnALineOfItsOwn() {
    let report = ErrorReport(OperationFailure("open", "rescue.toml", .noSuchFileOrDirectory))
    #expect(
      TestScreen().stream.rendered(report.text)
        == "lifeboat: error: open rescue.toml: No such file or directory\n  Check the path.")
    #expect(report.status == .noInput)
  }

  @Test func leavesOutARemedyThatThereIsNot() {
    let report = ErrorReport(OperationFailure("read", "/dev/sr0", .ioError))
    #expect(TestScreen().stream.rendered(report.text) == "lifeboat: error: read /dev/sr0: Input/output error")
  }

  @Test func standsOutWhereColourIsAllowed() {
    let report = ErrorReport(OperationFailure("read", "/dev/sr0", .ioError))
    #expect(
      TestScreen(hasColour: true).stream.rendered(report.text).hasPrefix("\u{1B}[1;31mlifeboat: error:\u{1B}[0m "))
  }

  @Test func callsAnUnknownErrorADefect() {
    let report = ErrorReport(Unknown())
    #expect(report.code == "defect")
    #expect(report.status == .defect)
    #expect(report.message.contains("Unknown"))
    #expect(report.remedy?.hasPrefix("Report ") == true)
  }

  @Test func isAnObjectInJSON() throws {
    let report = ErrorReport(code: "disk-full", message: "write \"x\": full", remedy: nil, status: .cannotCreate)
    #expect(
      try StableJSON.text(report.document) == """
        {
          "error" : {
            "code" : "disk-full",
            "message" : "write \\"x\\": full"
          }
        }
        """)
  }
}
