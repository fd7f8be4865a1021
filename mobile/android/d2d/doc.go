// Package d2d is the device-to-device transport: Android's transport contract
// with a link to the user's other device behind it.
//
// On the old phone a [Transport] hands what agents back up to a [Sink]; on the
// new phone it restores from a [Source]. What lies between the two, and makes
// it travel, is the transfer engine, which knows neither: a package's entities
// and files are items like photos are. Package mobile/apps has both ends.
//
// The transport's flag is FLAG_DEVICE_TO_DEVICE_TRANSFER, its restore set's
// device is "D2D", and an app may move as much as the new phone has room for,
// 2 GiB unless told otherwise.
//
// Its worst moment is a package that stops half way: a file that cannot be
// read, an agent that fails. The sink then hears Drop instead of End, and the
// new phone restores nothing of that package.
package d2d
