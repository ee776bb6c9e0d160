"""Where the bytes of attachments lie: sealed, in a local folder or in a bucket."""
