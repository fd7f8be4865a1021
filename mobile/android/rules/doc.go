// Package rules decides what of an Android app moves: whether the app takes
// part, by which method, and which of its files its own rules let through.
//
// An app says so in its manifest and in up to two XML documents:
//
//	<data-extraction-rules>            Android 12 and later
//	    <cloud-backup disableIfNoEncryptionCapabilities="true">
//	        <include domain="file" path="notes" />
//	    </cloud-backup>
//	    <device-transfer> … </device-transfer>
//	</data-extraction-rules>
//
//	<full-backup-content>              before
//	    <include domain="file" path="notes" requireFlags="clientSideEncryption" />
//	    <exclude domain="sharedpref" path="device.xml" />
//	</full-backup-content>
//
// [ParseExtraction] and [ParseContent] read them, [Eligible] and [MethodOf]
// decide about the app, and [Select] picks the rules that hold for a
// destination. All of it is pure: no file of the app is looked at. Where
// Android's documentation and its code differ, the documentation is followed; a
// rule for a folder holds for all that is in it, whether or not the folder
// exists yet on the phone that restores.
//
// The worst moment is a document that cannot be read. An app that wanted
// something kept out must not have it moved by our misreading: then nothing of
// that app is backed up and nothing restored, as on Android. Sources: AOSP
// FullBackup.BackupScheme, BackupEligibilityRules, ParsingPackageUtils.
package rules
