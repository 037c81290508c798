UPDATE probe SET writes = writes + 1
