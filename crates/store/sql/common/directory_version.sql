SELECT version FROM directory
