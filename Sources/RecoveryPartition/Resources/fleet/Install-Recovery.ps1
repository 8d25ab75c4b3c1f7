# SPDX-License-Identifier: GPL-3.0-or-later
<#
.SYNOPSIS
Makes or renews the recovery partition of this computer, for Configuration Manager or Intune.
.DESCRIPTION
Needs unallocated space of the size below on a GPT disk, UEFI, and an administrator; shrinks nothing. The partition gets the
folder "tree" that lies beside this script, compared file by file with SHA256SUMS.txt, and an entry of the firmware, last
in its order. A recovery partition that is there is emptied and filled again: unlike "lifeboat install" on Linux there is
one version at a time, and while it is filled none. One that this run has made is removed again if the run fails.
"lifeboat install --update" on Linux takes the partition for its own.
BitLocker on the drive of Windows has to be suspended; whether it is, is asked of manage-bde.
Exit codes: 0 done, 1 failed, 15 refused.
.NOTES
This script has not been run on Windows by those who wrote it. Try it on a computer that may be lost.
#>
[CmdletBinding()]
param(
  [int]$DiskNumber = (Get-Partition -DriveLetter $env:SystemDrive[0]).DiskNumber,
  [int]$SizeInMiB = @MEBIBYTES@
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
# By which "lifeboat install" on Linux knows a recovery partition.
$label = '@LABEL@'
$title = 'Recovery: @TITLE@'
$source = Join-Path $PSScriptRoot 'tree'
$hiddenType = '{@HIDDEN@}'
$plainType = 'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7'

function Stop-Refused([string]$Message) {
  Write-Error $Message -ErrorAction Continue
  exit 15
}

function Invoke-Program([string]$Program, [string[]]$Arguments) {
  $said = & $Program @Arguments 2>&1
  if ($LASTEXITCODE -ne 0) { throw "$Program $($Arguments -join ' ') failed ($LASTEXITCODE): $($said -join ' ')" }
  return $said
}

function Invoke-DiskPart([string[]]$Lines) {
  $file = New-TemporaryFile
  try {
    Set-Content -Path $file -Value $Lines -Encoding Ascii
    return Invoke-Program 'diskpart.exe' @('/s', $file.FullName)
  } finally {
    Remove-Item $file
  }
}

# Every file of the tree is what was packaged, before anything is changed.
function Test-Tree([string]$Root) {
  foreach ($line in Get-Content (Join-Path $PSScriptRoot 'SHA256SUMS.txt')) {
    $digest, $name = $line -split '  ', 2
    $path = Join-Path $Root ($name -replace '/', '\')
    if ((Get-FileHash -Algorithm SHA256 -LiteralPath $path).Hash -ne $digest) { throw "$path is not what was packaged" }
  }
}

if ((Get-Disk -Number $DiskNumber).PartitionStyle -ne 'GPT') { Stop-Refused "Disk $DiskNumber has no GPT." }
if ($env:firmware_type -and $env:firmware_type -ne 'UEFI') { Stop-Refused 'This computer was not started by UEFI.' }
# 0: protection is on. It measures the partition table's and the boot order's use, and would ask for the recovery key.
& manage-bde.exe -status $env:SystemDrive -protectionaserrorlevel | Out-Null
if ($LASTEXITCODE -eq 0) {
  Stop-Refused "BitLocker protects $env:SystemDrive. Suspend it: manage-bde -protectors -disable $env:SystemDrive -RebootCount 1"
}
Test-Tree $source

$letter = [char[]](82..90 + 68..81) | Where-Object { -not (Test-Path "${_}:\") } | Select-Object -First 1
if (-not $letter) { Stop-Refused 'No drive letter is free.' }
$before = @(Get-Partition -DiskNumber $DiskNumber)
$old = $before | Where-Object {
  $volume = Get-Volume -Partition $_ -ErrorAction SilentlyContinue
  $volume -and $volume.FileSystemLabel -eq $label
} | Select-Object -First 1
if ($old) {
  $prepare = @("select disk $DiskNumber", "select partition $($old.PartitionNumber)", "set id=$plainType override")
} else {
  $free = (Get-Disk -Number $DiskNumber).LargestFreeExtent
  if ($free -lt $SizeInMiB * 1mb) { Stop-Refused "Disk $DiskNumber has $free bytes of unallocated space in one piece; $SizeInMiB MiB are needed." }
  $prepare = @("select disk $DiskNumber", "create partition primary size=$SizeInMiB")
}

# The partition that this run works on: the old one, or the one that was not there before.
function Get-OwnPartition {
  $places = if ($old) { @($old.Offset) } else { @() }
  $others = @($before | ForEach-Object { $_.Offset })
  Get-Partition -DiskNumber $DiskNumber |
    Where-Object { $places -contains $_.Offset -or $others -notcontains $_.Offset } | Select-Object -First 1
}

# Hidden from Windows: the type of recovery partitions, required by the platform, and no letter.
function Hide-OwnPartition {
  $own = Get-OwnPartition
  $lines = @("select disk $DiskNumber", "select partition $($own.PartitionNumber)")
  if ($own.DriveLetter -eq $letter) { $lines += "remove letter=$letter" }
  Invoke-DiskPart ($lines + @("set id=$($hiddenType.Trim('{}')) override", 'gpt attributes=0xC000000000000001')) | Out-Null
}

# The firmware's entry, while the partition has a letter by which bcdedit can name it. One of an earlier run is led here.
function Set-FirmwareEntry {
  $known = (Invoke-Program 'bcdedit.exe' @('/enum', 'firmware')) -join "`n"
  $block = $known -split "`n\s*`n" | Where-Object { $_.Contains($title) } | Select-Object -First 1
  if ($block -match '\{[0-9a-fA-F-]{36}\}') {
    $entry = $Matches[0]
  } else {
    $made = (Invoke-Program 'bcdedit.exe' @('/copy', '{bootmgr}', '/d', $title)) -join ' '
    if ($made -notmatch '\{[0-9a-fA-F-]{36}\}') { throw "bcdedit made no entry: $made" }
    $entry = $Matches[0]
    Invoke-Program 'bcdedit.exe' @('/set', '{fwbootmgr}', 'displayorder', $entry, '/addlast') | Out-Null
  }
  Invoke-Program 'bcdedit.exe' @('/set', $entry, 'device', "partition=${letter}:") | Out-Null
  Invoke-Program 'bcdedit.exe' @('/set', $entry, 'path', '\EFI\BOOT\BOOTX64.EFI') | Out-Null
}

try {
  Invoke-DiskPart ($prepare + @("format fs=fat32 quick unit=4096 label=$label", "assign letter=$letter")) | Out-Null
  & robocopy.exe $source "${letter}:\" /E /R:1 /W:1 /NFL /NDL /NJH /NJS /NP | Out-Null
  if ($LASTEXITCODE -ge 8) { throw "robocopy failed ($LASTEXITCODE)" }
  $global:LASTEXITCODE = 0
  Test-Tree "${letter}:\"
  # GRUB and the recovery system find the partition by the serial number that this format has given it.
  $number = (Get-CimInstance Win32_LogicalDisk -Filter "DeviceID='${letter}:'").VolumeSerialNumber
  $serial = $number.Substring(0, 4) + '-' + $number.Substring(4)
  foreach ($menu in @('boot\grub\grub.cfg', 'lifeboat\@IDENTIFIER@\menu.cfg')) {
    $path = "${letter}:\$menu"
    $text = [IO.File]::ReadAllText($path).Replace('@SERIAL@', $serial)
    [IO.File]::WriteAllText($path, $text, (New-Object Text.UTF8Encoding $false))
  }
  Set-FirmwareEntry
  Hide-OwnPartition
} catch {
  $failure = $_
  # What this run has made goes, so that the next one finds the space again. An old one is hidden again, and filled by the next run.
  try {
    if ($old) { Hide-OwnPartition } else { Get-OwnPartition | Remove-Partition -Confirm:$false }
  } catch {
    Write-Error "Disk ${DiskNumber}: the partition could not be put back: $_" -ErrorAction Continue
  }
  Write-Error "No recovery partition was made on disk ${DiskNumber}: $failure" -ErrorAction Continue
  exit 1
}
Write-Output "The recovery partition of disk $DiskNumber holds @IMAGE@ @IDENTIFIER@."
exit 0
