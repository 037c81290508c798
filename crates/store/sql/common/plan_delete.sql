DELETE FROM plan WHERE name = $1
