TEST 'words';
EXPECT shown EMPTY;
TEST 'another';
EXPECT shown EMPTY;
