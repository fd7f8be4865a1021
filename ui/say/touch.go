package say

// touch has what a window says where a message names something that only the
// command line has.
var touch = map[string]string{
	"Run the move again with a larger --app-quota.":                                                                   "Look in the app itself for a way to take the data along.",
	"Free some space there, or send fewer kinds with --kinds.":                                                        "Free some space there, or choose less to move.",
	"Free some space, or send fewer kinds with --kinds on the old phone, and start it again there.":                   "Free some space, or choose less on the old phone, and start it again there.",
	"Say which one with --to NAME, or with --at ADDRESS.":                                                             "Choose one of them.",
	"Give one of these names with --to, or leave --to out.":                                                           "Choose one of them.",
	"The ID is in a receipt; see \"ferry verify\".":                                                                   "Look at the history again.",
	"Start \"ferry receive\" there, on the same Wi-Fi, or give its address with --at HOST:PORT.":                      "Open Ferry there, on the same Wi-Fi, and choose \"My new phone\", or type its address here.",
	"Check that \"ferry receive\" runs there, that both are on the same network, and that no firewall keeps UDP out.": "Check that Ferry is open there, that both are on the same network, and that no firewall keeps Ferry out.",
	"Make it yours alone (chmod 600) and start again.":                                                                "Make that file yours alone, and start again.",
	"Put that right, or set FERRY_HOME to a folder that you may write to.":                                            "Put that right, and start Ferry again.",
	"Choose another with --port, or leave it out.":                                                                    "Close that program, and try again.",
	"Stop it there, or choose another folder with --into.":                                                            "Stop it there, or choose another folder.",
	"To verify it, run \"ferry send --verify\" again: what is there is not sent twice.":                               "To check it, start the move again: what is there is not sent twice.",
	"The other device may not be ready yet: start \"ferry receive\" on it.":                                           "The other device may not be ready yet: open Ferry on it and choose \"My new phone\".",
	"read the address on the new phone and give it with --at HOST:PORT.":                                              "type the address that the new phone shows.",
	"Start sending on the old phone. If it searches already, the access point may keep its guests apart (\"client isolation\", usual in guest networks): use another network, or a hotspot on one of the devices.": "Open Ferry on the old phone, at \"My old phone\". If it is open there, the Wi-Fi may keep its guests apart, as guest networks do: use another network, or a hotspot on one of the devices.",
	"read the address on this device and give it on the old phone, with --at HOST:PORT.":                                                                                                                           "type the address of this device on the old phone.",
	"Use --at.":                     "Type the address that the new phone shows.",
	"Use --at, or another network.": "Type the address that the new phone shows, or use another network.",
	"Allow it in the firewall (UDP, port 5353 and ferry's own).":                                                                                           "Allow Ferry in the firewall.",
	"Start \"ferry receive\" on it, check that it is on this network, and that its firewall lets ferry in.":                                                "Open Ferry on it and choose \"My new phone\", check that it is on this network, and that its firewall lets Ferry in.",
	"This network ({{.Networks}}) carries no multicast, by which devices find each other.":                                                                 "On this network ({{.Networks}}), devices cannot find each other.",
	"The access point may keep its guests apart (\"client isolation\", usual in guest networks): use another network, or a hotspot on one of the devices.": "The Wi-Fi may keep its guests apart, as guest networks do: use another network, or a hotspot on one of the devices.",
	"Start \"ferry receive\" on the other device. To have both on this one, set FERRY_HOME to another folder for one of them.":                             "Open Ferry on the other device and choose \"My new phone\" there.",
}
