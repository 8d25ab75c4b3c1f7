// swift-tools-version: 6.2
// SPDX-License-Identifier: GPL-3.0-or-later
import PackageDescription

/// `make fuzz` alone builds with libFuzzer's counters, and the program that feeds the parsers.
let isForFuzzing = Context.environment["LIFEBOAT_FUZZ"] == "1"

let strict: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
  ] + (isForFuzzing ? [.unsafeFlags(["-sanitize=fuzzer", "-enable-testing"])] : [])

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

/// A stage of the river: it may depend only on stages that stand above it in this file.
func stage(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .target(name: name, dependencies: dependencies + [system], resources: resources, swiftSettings: strict)
}

func example(_ name: String, _ libraries: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: libraries + ["HostSystem", system], path: "Examples/\(name)", swiftSettings: strict)
}

func tests(_ stage: String, _ more: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: stage + "Tests",
    dependencies: [.byName(name: stage), "TestSupport", system] + (stage == "HostSystem" ? [] : ["HostSystem"]) + more,
    swiftSettings: strict)
}

let package = Package(
  name: "lifeboat",
  products: [
    .library(name: "HostSystem", targets: ["HostSystem"]),
    .library(name: "RecoveryManifest", targets: ["RecoveryManifest", "StrictTOML"]),
    .library(name: "RecoveryPlan", targets: ["RecoveryPlan"]),
    .library(name: "Signing", targets: ["Signing"]),
    .library(name: "MediumWriting", targets: ["MediumWriting", "BootAssembly"]),
    .library(name: "MediumReading", targets: ["MediumReading", "Signing"]),
    .library(name: "DiscBurning", targets: ["DiscBurning"]),
    .library(name: "DriveDiscovery", targets: ["DriveDiscovery"]),
    .library(name: "FlashMedia", targets: ["FlashMedia"]),
    .executable(name: "lifeboat", targets: ["lifeboat"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
  ],
  targets: [
    .systemLibrary(name: "CISOBurn", pkgConfig: "libisoburn-1", providers: [.apt(["libisoburn-dev"])]),
    .systemLibrary(name: "CBlkid", pkgConfig: "blkid", providers: [.apt(["libblkid-dev"])]),
    .systemLibrary(name: "CFdisk", pkgConfig: "fdisk", providers: [.apt(["libfdisk-dev"])]),
    .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(name: "CBus", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .target(name: "CToml"),
    .target(name: "CLinux", dependencies: ["CISOBurn"]),
    stage(
      "HostSystem",
      [
        "CLinux", .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ]),
    stage("StrictTOML", ["CToml"]),
    stage("RecoveryManifest", ["StrictTOML", "HostSystem"], resources: [.copy("Resources/tools")]),
    stage("RecoveryPlan", ["RecoveryManifest", "HostSystem"]),
    stage(
      "SystemLayers", ["RecoveryPlan", "RecoveryManifest", "HostSystem"],
      resources: [.copy("Resources/image"), .copy("Resources/build")]),
    stage("Signing", ["HostSystem", .product(name: "Crypto", package: "swift-crypto")]),
    stage("BootAssembly", ["Signing", "RecoveryManifest", "HostSystem"], resources: [.copy("Resources/grub")]),
    stage("MediumWriting", ["BootAssembly", "HostSystem", "CLinux", "CISOBurn"]),
    stage("MediumReading", ["Signing", "HostSystem", .product(name: "SwiftASN1", package: "swift-asn1")]),
    stage("DiscBurning", ["MediumReading", "HostSystem", "CISOBurn"]),
    stage("DriveDiscovery", ["HostSystem", "CBlkid"]),
    stage("Disks", ["DriveDiscovery", "HostSystem", "CLinux", "CFdisk"]),
    stage(
      "FlashMedia",
      ["MediumReading", "Disks", "DriveDiscovery", "HostSystem", "CLinux", "CBus", "CExpat", "CArchive"]),
    stage("BootSite", ["MediumReading", "MediumWriting", "BootAssembly", "Signing", "HostSystem"]),
    stage("BootEntries", ["Disks", "BootAssembly", "HostSystem"]),
    stage(
      "RecoveryPartition",
      [
        "BootEntries", "BootSite", "Disks", "DriveDiscovery", "MediumReading", "BootAssembly", "Signing", "HostSystem",
      ],
      resources: [.copy("Resources/fleet")]),
    stage("NetworkBootProtocol", ["HostSystem"]),
    stage("NetworkBootPolicy", ["NetworkBootProtocol", "StrictTOML", "HostSystem"]),
    stage(
      "NetworkBoot",
      [
        "BootSite", "NetworkBootPolicy", "NetworkBootProtocol", "StrictTOML", "HostSystem", "CLinux", "CBus",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    stage("TrialMachine", ["HostSystem"]),
    .executableTarget(
      name: "lifeboat",
      dependencies: [
        "StrictTOML", "RecoveryManifest", "RecoveryPlan", "SystemLayers", "Signing", "BootAssembly",
        "MediumWriting", "MediumReading", "DiscBurning", "DriveDiscovery", "Disks", "FlashMedia", "BootSite",
        "BootEntries", "RecoveryPartition", "NetworkBootPolicy", "NetworkBoot", "TrialMachine", "HostSystem", system,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    example("iso-from-folder", ["MediumWriting", "BootAssembly"]),
    example("list-iso", ["MediumReading"]),
    example("list-drives", ["DriveDiscovery"]),
    example("write-stick", ["FlashMedia", "DriveDiscovery"]),
    .executableTarget(name: "command-reference", path: "scripts/command-reference", swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["HostSystem", "CBus", system], path: "Tests/TestSupport",
      swiftSettings: strict),
    .target(
      name: "DiskTestSupport", dependencies: ["Disks", system], path: "Tests/DiskTestSupport", swiftSettings: strict),
    tests("HostSystem"),
    tests("StrictTOML"),
    tests("RecoveryManifest", ["StrictTOML"]),
    tests("RecoveryPlan", ["RecoveryManifest"]),
    tests("SystemLayers", ["RecoveryPlan", "RecoveryManifest"]),
    tests("BootAssembly", ["Signing", "RecoveryManifest"]),
    tests("Signing"),
    tests("MediumWriting", ["MediumReading", "BootAssembly", "Signing"]),
    tests("MediumReading", ["BootAssembly", "Signing"]),
    tests("DiscBurning", ["MediumReading"]),
    tests("DriveDiscovery"),
    tests("Disks", ["DriveDiscovery"]),
    tests("FlashMedia", ["MediumReading", "Disks", "DriveDiscovery", "CLinux"]),
    tests("BootSite", ["MediumWriting", "MediumReading", "BootAssembly", "Signing", "RecoveryManifest"]),
    tests("BootEntries", ["DiskTestSupport", "Disks", "BootAssembly", "Signing", "TrialMachine"]),
    tests(
      "RecoveryPartition",
      [
        "BootEntries", "DiskTestSupport", "Disks",
        "BootSite", "MediumWriting", "MediumReading", "BootAssembly", "Signing", "RecoveryManifest", "DriveDiscovery",
        "TrialMachine", "CLinux",
      ]),
    tests("NetworkBootProtocol"),
    tests("NetworkBootPolicy", ["NetworkBootProtocol", "StrictTOML"]),
    tests(
      "NetworkBoot",
      [
        "BootSite", "MediumReading", "MediumWriting", "BootAssembly", "Signing", "NetworkBootPolicy",
        "NetworkBootProtocol", "TrialMachine",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    tests("TrialMachine", ["BootAssembly", "RecoveryManifest"]),
    .testTarget(name: "ImageTests", dependencies: ["HostSystem", "TestSupport", system], swiftSettings: strict),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "lifeboat", "command-reference", "HostSystem", "TestSupport", system,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "BuildTests",
      dependencies: ["RecoveryPlan", "RecoveryManifest", "HostSystem", "TestSupport", system], swiftSettings: strict),
    .testTarget(
      name: "BootTests",
      dependencies: [
        "TrialMachine", "RecoveryPartition", "BootEntries", "Disks", "BootSite", "MediumWriting", "MediumReading",
        "BootAssembly", "Signing",
        "HostSystem", "TestSupport",
        system,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "DriveLabTests",
      dependencies: ["TrialMachine", "HostSystem", "TestSupport", system], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

if isForFuzzing {
  package.targets += [
    .systemLibrary(name: "CFuzzer", path: "Fuzz/CFuzzer"),
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CFuzzer", "StrictTOML", "RecoveryManifest", "Signing", "BootAssembly", "MediumReading", "FlashMedia",
        "BootSite", "Disks", "RecoveryPartition", "HostSystem", "NetworkBootProtocol", "NetworkBootPolicy", system,
      ],
      path: "Fuzz", exclude: ["CFuzzer"], swiftSettings: strict,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]),
  ]
}
