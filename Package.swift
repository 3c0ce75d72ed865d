// swift-tools-version: 6.2
// Backstop: the flight recorder and dead man's switch of a trading bot.
// Rooms and doors are explained in ARCHITECTURE.md; Tests/HouseTests fails on a wrong import.
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
    .define("FAILPOINTS", .when(configuration: .debug)),
]

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket"].map {
    .product(name: $0, package: "swift-nio")
}
let tls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "backstop",
    products: [
        .executable(name: "backstop", targets: ["backstop"]),
        .executable(name: "exchange-simulator", targets: ["exchange-simulator"]),
        // Not shipped: the Redis face on a log that is thrown away, for test suites of the Redis world.
        .executable(name: "resp-scratch", targets: ["resp-scratch"]),
        // Preloaded into test processes: records their file calls, or makes one fail.
        .library(name: "CallShim", type: .dynamic, targets: ["CallShim"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    ],
    targets: [
        .systemLibrary(name: "CLMDB", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CLinux"),
        room("Processes", ["CLinux", "Records"]),
        room("Records", [crypto]),
        room("LMDB", ["CLMDB"]),
        room("SortedRuns", ["LMDB", "Records"]),
        room("EventLog", ["Processes", "Records", "LMDB", "SortedRuns", "CLinux"]),
        room("Events", ["Records", protobuf]),
        room("Domain", ["Records", "Events", "Exchange"]),
        room("Exchange", ["Records", "Events"]),
        room("ExchangeClient", ["Records", "Events", "Exchange", "CCurl", crypto, tls] + nio),
        room(
            "Services",
            [
                "Processes", "Records", "EventLog", "LMDB", "SortedRuns", "Events", "Exchange", "Domain", protobuf,
                logging,
                yams,
            ]),
        room(
            "RespServer",
            ["Records", "EventLog", "Events", "Domain", "Services", logging] + nio.prefix(2)),
        room(
            "RedisBridge", ["Records", "EventLog", "Events", "Domain", "Services", "CHiredis", logging]),
        room("Evidence", ["Records", "EventLog", "Events", "Domain"]),
        room("EmergencyExit", ["Processes", "Records", "Events", "Exchange", "Domain"]),
        room("ExchangeSimulation", ["Records", "Events", crypto]),
        room(
            "Simulation",
            ["Records", "EventLog", "Events", "Exchange", "Domain", "Services", "ExchangeSimulation", logging]),
        .executableTarget(
            name: "exchange-simulator",
            dependencies: ["Processes", "Records", "Events", "ExchangeSimulation", arguments] + nio,
            swiftSettings: strict
        ),
        .executableTarget(
            name: "backstop",
            dependencies: [
                "Records", "Processes", "EventLog", "Events", "Exchange", "ExchangeClient", "Domain", "EmergencyExit",
                "Services", "RespServer", "RedisBridge", "Evidence",
                arguments,
                logging,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "resp-scratch",
            dependencies: [
                "Records", "Processes", "EventLog", "Events", "Domain", "Services", "RespServer", arguments, logging,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "log-bench",
            dependencies: [
                "Processes", "Records", "EventLog", "Events", "Exchange", "ExchangeClient", "Domain", "Services",
                "Simulation", logging,
            ],
            path: "tools/bench/log-bench",
            swiftSettings: strict
        ),
        // No target depends on it: linked into a process, its `open` would be that process' `open`.
        .target(name: "CallShim", path: "Tests/CallShim"),
        .target(
            name: "Programmes",
            dependencies: [
                "Records", "Processes", "LMDB", "EventLog", "Events", "Domain", "Services", "Simulation",
                "ExchangeSimulation", "CHiredis",
            ],
            path: "Tests/Programmes",
            swiftSettings: strict
        ),
        // What tests of traded logs share: the exchange as a process, a log with its services, and the judgement of both.
        .target(
            name: "TradingBench",
            dependencies: ["Programmes"], path: "Tests/TradingBench",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "log-soak", dependencies: ["Programmes", arguments], path: "Tests/log-soak", swiftSettings: strict
        ),
        tests("ProcessesTests", ["Processes", "Records"]),
        tests("RecordsTests", ["Records"]),
        tests("LMDBTests", ["LMDB"]),
        tests("SortedRunsTests", ["SortedRuns", "LMDB", "Records"]),
        tests("EventLogTests", ["EventLog", "SortedRuns", "LMDB", "Records", "Processes"]),
        tests("EventsTests", ["Events", "Records", protobuf]),
        tests("DomainTests", ["Domain", "Exchange", "Events", "Records", protobuf]),
        tests(
            "ExchangeClientTests",
            [
                "ExchangeClient", "Exchange", "Programmes", "Events", "Records", "CCurl", "exchange-simulator", crypto,
                tls,
            ] + nio),
        tests(
            "ServicesTests",
            [
                "Services", "Processes", "EventLog", "LMDB", "Domain", "Exchange", "Events", "Records", protobuf,
                logging,
            ]),
        tests(
            "BackstopTests",
            ["backstop", "Programmes", "Records", "EventLog", "Events", "Domain", "Services", "Processes"]),
        tests("EvidenceTests", ["Evidence", "Records", "EventLog", "Events", "Domain", protobuf]),
        tests(
            "ExecutionTests",
            [
                "TradingBench", "Programmes", "Events", "Records", "EventLog", "ExchangeSimulation", "backstop",
                "exchange-simulator",
            ]),
        tests(
            "ExitTests",
            [
                "TradingBench", "Programmes", "EmergencyExit", "Services", "Domain", "Exchange", "Events", "Processes",
                "Records", "backstop", "exchange-simulator",
            ]),
        tests(
            "SafetyTests",
            [
                "TradingBench", "Programmes", "Processes", "Records", "EventLog", "Events", "backstop", "log-soak",
                "exchange-simulator",
            ]),
        tests(
            "RespTests",
            [
                "RespServer", "Programmes", "Records", "EventLog", "Events", "Domain", "backstop", "resp-scratch",
                logging,
            ]),
        tests(
            "BridgeTests",
            [
                "RedisBridge", "Programmes", "TradingBench", "Records", "EventLog", "Events", "Domain", "Services",
                "CHiredis", "backstop",
            ]),
        tests("SoakTests", ["Programmes", "log-soak", "backstop", "exchange-simulator"]),
        tests("SimulationTests", ["Simulation"]),
        tests(
            "ExchangeSimulatorTests", ["ExchangeSimulation", "exchange-simulator", "Programmes", "Events", "Records"]),
        tests("HouseTests", []),
    ]
)
