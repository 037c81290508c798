SELECT definition FROM plan ORDER BY name
